-- Ends sessions of one partition: release, undo, purge ("not mine") and reaping are this one script.
-- A script that fails is not undone: whatever is written to is asked first for what only its own type answers.
--
-- KEYS 1 events   2 index of the incarnation   3 undone: tombstones of the incarnation   4 … one row per release
-- ARGV 1 row format   2 incarnation   3 events kept   4 tombstone life, ms
--      then 4 per release: identity key, connection ('' = any), epoch (0 = the outcome of its claim is unknown: leave a tombstone), cause
-- Returns {now in µs, one per release: 1 ended · 0 the row is somebody else's, or gone}
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local nowMs = string.format('%.0f', math.floor(now / 1000))
local FORMAT, incarnation, eventsKept, tombstoneMs = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local reply, undone = {now}, false
redis.call('XLEN', KEYS[1])
redis.call('ZCARD', KEYS[2])
redis.call('ZCARD', KEYS[3])

for n = 0, #KEYS - 4 do
  local rowKey, base = KEYS[n + 4], 4 + n * 4
  local key, connection, epoch, cause = ARGV[base + 1], ARGV[base + 2], ARGV[base + 3], ARGV[base + 4]
  local f = redis.pcall('HMGET', rowKey, 'v', 'epoch', 'inc', 'conn', 'edge', 'id')
  local mine = not f.err and f[1] == FORMAT and f[3] == incarnation -- R3: incarnation …
  local ended = 0
  if mine and (connection == '' or f[4] == connection) and (epoch == '0' or f[2] == epoch) then -- … connection and epoch
    redis.call('DEL', rowKey)
    redis.call('ZREM', KEYS[2], key)
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', eventsKept, '*', 'id', key .. ':' .. (f[2] or '0') .. ':disconnected', 'kind', 'disconnected',
      'identity', f[6] or key, 'epoch', f[2] or '0', 'edge', f[5] or '', 'cause', cause, 'at', nowMs)
    ended = 1
  elseif not mine then
    redis.call('ZREM', KEYS[2], key) -- the index may hold stale names; this was one
  end
  if epoch == '0' and connection ~= '' then
    redis.call('ZADD', KEYS[3], string.format('%.0f', now + tombstoneMs * 1000), connection)
    undone = true
  end
  reply[#reply + 1] = ended
end

if undone then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[3], tombstoneMs)
end
return reply
