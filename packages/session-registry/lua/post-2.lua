-- Puts a message into another incarnation's inbox and wakes it.
-- KEYS 1 fence of the receiver   2 its inbox
-- ARGV 1 entries kept   2 inbox life, ms   3 wake channel (same slot)   4 '1': the wake-up carries the entry   5 … fields and values of the entry
-- Returns 1 posted · 0 the receiver is fenced · -1 its inbox is full
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
return append(KEYS[2], ARGV[3], ARGV[1], ARGV[2], ARGV[4], {unpack(ARGV, 5)}) and 1 or -1
