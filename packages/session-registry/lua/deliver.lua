-- Stands in front of post-2.lua and hand-over-n.lua: brings a message to an incarnation. False: its inbox is full (R9) (commands are never
-- trimmed away for newer ones).
--   by 'channel'  told, if somebody listens there: nothing is stored and nothing replicated. Whoever needs to be sure asks again by 'inbox'
--   by 'inbox'    stored, and the owner woken
local function deliver(by, inbox, wake, kept, life, now, message)
  if by == 'channel' and redis.call('SPUBLISH', wake, string.format('%.0f', now) .. '\n' .. message) > 0 then return true end
  if redis.call('XLEN', inbox) >= tonumber(kept) then return false end
  redis.call('XADD', inbox, '*', 'm', message)
  -- Renewed in the second half of its life only: a write that replicas need not repeat for every message.
  if redis.call('PTTL', inbox) < tonumber(life) / 2 then redis.call('PEXPIRE', inbox, life) end
  redis.call('SPUBLISH', wake, '')
  return true
end

