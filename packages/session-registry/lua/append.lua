-- Stands in front of post-2.lua and hand-over-n.lua: appends to an inbox and wakes its owner. False: the inbox is full (R9)
-- (commands are never trimmed away for newer ones).
local function append(inbox, wake, kept, life, carries, fields)
  if redis.call('XLEN', inbox) >= tonumber(kept) then return false end
  local carried = ''
  if carries == '1' then
    -- The entry, and the id of the one before it: who has read that one takes this one without a look into the inbox.
    local before = redis.call('XREVRANGE', inbox, '+', '-', 'COUNT', 1)[1]
    local id = redis.call('XADD', inbox, '*', unpack(fields))
    carried = cjson.encode({before and before[1] or '0', id, unpack(fields)})
  else
    redis.call('XADD', inbox, '*', unpack(fields))
  end
  -- Renewed in the second half of its life only: a write that replicas need not repeat for every message.
  if redis.call('PTTL', inbox) < tonumber(life) / 2 then redis.call('PEXPIRE', inbox, life) end
  redis.call('SPUBLISH', wake, carried)
  return true
end

