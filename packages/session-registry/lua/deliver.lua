-- Stands in front of post-2.lua and hand-over-n.lua: brings a message to an incarnation.

-- Whether somebody listens there. An error, as for a user without a right to channels, means nobody: it must not stop what is half done.
local function tell(wake, text)
  local listeners = redis.pcall('SPUBLISH', wake, text)
  return type(listeners) == 'number' and listeners > 0
end

-- Brings the message.
-- Returns 1 delivered · -1 its inbox is full (R9: commands are never trimmed away for newer ones) · -3 too late: the sender has given up
--   notAfter  µs of this shard's clock, 0 for no limit. A command that a hung Redis finds when it goes on must not be carried out then
--   by 'channel'  told, if somebody listens there: nothing is stored and nothing replicated. Whoever needs to be sure asks again by 'inbox'
--   by 'inbox'    stored, and the owner woken
local function deliver(by, inbox, wake, kept, life, now, notAfter, message)
  if tonumber(notAfter) > 0 and now > tonumber(notAfter) then return -3 end
  if by == 'channel' and tell(wake, string.format('%.0f', now) .. '\n' .. message) then return 1 end
  if redis.call('XLEN', inbox) >= tonumber(kept) then return -1 end
  redis.call('XADD', inbox, '*', 'm', message)
  -- Renewed in the second half of its life only: a write that replicas need not repeat for every message.
  if redis.call('PTTL', inbox) < tonumber(life) / 2 then redis.call('PEXPIRE', inbox, life) end
  tell(wake, '')
  return 1
end

