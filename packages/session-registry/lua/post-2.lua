-- Brings a message to an incarnation that is known.
-- KEYS 1 fence of the receiver   2 its inbox
-- ARGV 1 entries kept   2 inbox life, ms   3 wake channel (same slot)   4 'channel' or 'inbox'   5 not after, µs
--      6 the message (deliver.lua says more of 4 and 5)
-- Returns 1 delivered · 0 the receiver is fenced · -1 its inbox is full · -3 too late
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local time = redis.call('TIME')
return deliver(ARGV[4], KEYS[2], ARGV[3], ARGV[1], ARGV[2], time[1] * 1000000 + time[2], ARGV[5], ARGV[6])
