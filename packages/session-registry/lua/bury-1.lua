-- Turns a lease into a tombstone if it still is what the reader judged, or removes an old tombstone.
-- KEYS 1 leases      ARGV 1 incarnation   2 value that was judged   3 'bury' or 'forget'
-- Returns {now in µs, 1 done · 0 the lease has moved on}. The tombstone is dated by this clock: nobody's own tells when it may go.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return {now, 0} end
if ARGV[3] == 'forget' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], 'dead ' .. string.format('%.0f', math.floor(now / 1000)))
end
return {now, 1}
