-- Puts a message into another incarnation's inbox and wakes it.
-- KEYS 1 fence of the receiver   2 its inbox
-- ARGV 1 entries kept   2 inbox life, ms   3 wake channel (same slot)   4 '1': the wake-up carries the entry   5 … fields and values of the entry
-- Returns 1 posted · 0 the receiver is fenced · -1 its inbox is full (commands are never trimmed away for newer ones)
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[1]) then return -1 end
local carried = ''
if ARGV[4] == '1' then
  -- The entry, and the id of the one before it: who has read that one takes this one without a look into the inbox.
  local before = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  local id = redis.call('XADD', KEYS[2], '*', unpack(ARGV, 5))
  carried = cjson.encode({before and before[1] or '0', id, unpack(ARGV, 5)})
else
  redis.call('XADD', KEYS[2], '*', unpack(ARGV, 5))
end
-- Renewed in the second half of its life only: a write that replicas need not repeat for every message.
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[2]) / 2 then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
redis.call('SPUBLISH', ARGV[3], carried)
return 1
