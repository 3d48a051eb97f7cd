-- Appends one entry to a stream unless it is full; a retry whose entry is known to be there appends nothing.
--
-- KEYS[1]  the stream
-- KEYS[2]  a counter in the same slot, for nothing but to make a retry a write: WAIT confirms only what its own
--          connection wrote, so after a failover a retry that wrote nothing would be "confirmed" by nobody
-- ARGV[1]  maximum number of entries
-- ARGV[2]  id of the entry, if an earlier attempt was told it, else ""
-- ARGV[3…] field, value, field, value, …
-- Returns  the entry's id, or "FULL"

if ARGV[2] ~= "" and #redis.call("XRANGE", KEYS[1], ARGV[2], ARGV[2]) == 1 then
  redis.call("INCR", KEYS[2])
  return ARGV[2]
end
if redis.call("XLEN", KEYS[1]) >= tonumber(ARGV[1]) then
  return "FULL"
end
local fields = {}
for at = 3, #ARGV do
  fields[at - 2] = ARGV[at]
end
return redis.call("XADD", KEYS[1], "*", unpack(fields))
