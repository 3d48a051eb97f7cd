-- Lays a message into the inbox of an incarnation that is known.
-- KEYS 1 fence of the receiver   2 its inbox
-- ARGV 1 entries kept   2 inbox life, ms   3 wake channel (same slot)   4 not after, µs (deliver.lua)   5 the message
-- Returns 1 delivered · 0 the receiver is fenced · -1 its inbox is full · -3 too late
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local time = redis.call('TIME')
if isLate(time[1] * 1000000 + time[2], ARGV[4]) then return -3 end
return store(KEYS[2], ARGV[3], ARGV[1], ARGV[2], ARGV[5])
