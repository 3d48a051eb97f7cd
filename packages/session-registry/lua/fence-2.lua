-- Ends an incarnation's right to claim in one partition, for longer than any attempt lives, and tells whose rows are left to end.
-- KEYS 1 fence   2 index of the incarnation      ARGV 1 fence life, ms   2 how many names at most, 0 for none
-- Returns identity keys
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return redis.call('ZRANGE', KEYS[2], '-', '+', 'BYLEX', 'LIMIT', 0, ARGV[2]) -- by rank, 0 would be all
