-- Turns a lease into a tombstone if it still is what the reader judged, or removes an old tombstone.
-- KEYS 1 leases      ARGV 1 incarnation   2 value that was judged   3 tombstone 'dead …', or '' to remove
-- Returns 1 done · 0 the lease has moved on
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
