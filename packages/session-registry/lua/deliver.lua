-- Stands in front of post-2.lua and hand-over-n.lua: what bringing a message to an incarnation is made of.

-- Whether somebody listens there. An error, as for a user without a right to channels, means nobody: it must not stop what is half done.
local function tell(wake, text)
  local listeners = redis.pcall('SPUBLISH', wake, text)
  return type(listeners) == 'number' and listeners > 0
end

-- Whether the sender has given up. A command that a hung Redis finds when it goes on must not be carried out then.
--   notAfter  µs of this shard's clock, 0 for no limit
local function isLate(now, notAfter)
  return tonumber(notAfter) > 0 and now > tonumber(notAfter)
end

-- Lays the message into an inbox and wakes its owner.
-- Returns 1 delivered · -1 the inbox is full (R9: commands are never trimmed away for newer ones)
local function store(inbox, wake, kept, life, message)
  if redis.call('XLEN', inbox) >= tonumber(kept) then return -1 end
  redis.call('XADD', inbox, '*', 'm', message)
  -- Renewed in the second half of its life only: a write that replicas need not repeat for every message.
  if redis.call('PTTL', inbox) < tonumber(life) / 2 then redis.call('PEXPIRE', inbox, life) end
  tell(wake, '')
  return 1
end

