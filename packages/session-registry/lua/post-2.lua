-- Puts a message into another incarnation's inbox and wakes it.
-- KEYS 1 fence of the receiver   2 its inbox
-- ARGV 1 entries kept   2 inbox life, ms   3 wake channel (same slot)   4 … fields and values of the entry
-- Returns 1 posted · 0 the receiver is fenced · -1 its inbox is full (commands are never trimmed away for newer ones)
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[1]) then return -1 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('SPUBLISH', ARGV[3], '')
return 1
