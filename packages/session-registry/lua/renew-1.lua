-- Renews a lease, or begins it. A dead incarnation stays dead.
-- KEYS 1 leases      ARGV 1 incarnation   2 value 'alive …'
-- Returns {now in µs, 1 renewed · 0 fenced}
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local value = redis.call('HGET', KEYS[1], ARGV[1])
if value and string.sub(value, 1, 5) ~= 'alive' then return {now, 0} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return {now, 1}
