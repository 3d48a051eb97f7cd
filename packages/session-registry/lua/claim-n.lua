-- Grants sessions of one partition to one incarnation: the only way a row comes to be or changes its owner.
-- Each claim is atomic by itself; a batch that stops half-way is simply sent again (a known claim repeats its epoch).
-- A script that fails is not undone: whatever is written to is asked first for what only its own type answers.
--
-- KEYS 1 events        stream of this partition
--      2 index         of the claiming incarnation
--      3 fence         of the claiming incarnation
--      4 undone        tombstones of the claiming incarnation
--      5 …             one row per claim
-- ARGV 1 row format    2 incarnation   3 edge name   4 epoch floor: every grant is greater
--      5 events kept   6 inbox entries kept   7 inbox life, ms
--      8 inbox prefix, 9 wake prefix: the loser's name completes them. It is known only once the row is read, so these two are the
--        one exception to "every key in KEYS": same hash tag, same slot, and the inbox is touched before the first write
--        (if its slot is migrating, or it is no stream, the script stops there, nothing written, and the caller tries again)
--      10 row prefix: what follows it in a row's name is the identity key
--      then one text per claim, five lines: connection, stamp in µs, version, identity, remote. One, because each string costs the edge
--        that sends it, and a storm is made of claims
-- Returns {now in µs, bad rows met, one per claim:
--      epoch: granted · 'granted <epoch> <edge that was told to close its socket>' · 'superseded <epoch> <edge>' by a newer socket
--      · 'undone'} or {now, -1}: the incarnation is fenced
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if redis.call('EXISTS', KEYS[3]) == 1 then return {now, -1} end
redis.call('XLEN', KEYS[1])
redis.call('ZCARD', KEYS[2])

local FORMAT, incarnation, edge, floor = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local eventsKept, inboxKept, inboxLife, inboxPrefix, wakePrefix, rowPrefix = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local nowMs = string.format('%.0f', math.floor(now / 1000))
local anyUndone = redis.call('EXISTS', KEYS[4]) == 1
local reply = {now, 0}

-- A row as this format means it, or nil. Anything else (another type, another version, no sensible epoch) is bad: it is counted,
-- owns nothing, and the next grant replaces it.
local function readRow(key)
  local f = redis.pcall('HMGET', key, 'v', 'epoch', 'inc', 'conn', 'stamp', 'edge', 'id')
  if f.err then return nil, true end
  if not f[1] and not f[2] and not f[3] then return nil, false end
  local epoch, stamp = tonumber(f[2] or ''), tonumber(f[5] or '')
  if f[1] ~= FORMAT or not epoch or not stamp or not f[3] or not f[4] or not f[6] or not f[7]
    or epoch % 1 ~= 0 or epoch < 1 or epoch >= 9007199254740000 then
    return nil, true
  end
  return {epoch = epoch, incarnation = f[3], connection = f[4], stamp = stamp, edge = f[6], identity = f[7]}, false
end

local function event(key, identity, epoch, kind, owner, cause)
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', eventsKept, '*', 'id', key .. ':' .. epoch .. ':' .. kind, 'kind', kind,
    'identity', identity, 'epoch', epoch, 'edge', owner, 'cause', cause, 'at', nowMs)
end

for n = 0, #KEYS - 5 do
  local rowKey = KEYS[n + 5]
  local key = string.sub(rowKey, #rowPrefix + 1)
  local connection, stampText, version, identity, remote =
    string.match(ARGV[n + 11], '^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
  local stamp = tonumber(stampText)
  local row, bad = readRow(rowKey)
  if bad then reply[2] = reply[2] + 1 end
  local same = row and row.connection == connection
  local answer

  if anyUndone and redis.call('ZSCORE', KEYS[4], connection) then
    answer = 'undone' -- R4: its socket is gone; a late attempt must not bring it back
  elseif same and row.incarnation == incarnation then
    answer = row.epoch -- R4: this claim was granted before; the reply was lost
  elseif row and not same and row.stamp <= now and (row.stamp > stamp or (row.stamp == stamp and row.connection > connection)) then
    answer = string.format('superseded %.0f %s', row.epoch, row.edge) -- R1: a newer socket owns it. A stamp in the future says nothing and is ignored
  else
    local evicts = row and row.incarnation ~= incarnation and not same
    local inbox = evicts and inboxPrefix .. row.incarnation
    if evicts then redis.call('XLEN', inbox) end
    local number = math.max(now, floor + 1, row and row.epoch + 1 or 0) -- R2
    local epoch = string.format('%.0f', number)
    if row then
      event(key, row.identity, string.format('%.0f', row.epoch), 'disconnected', row.edge, same and 'edge-fenced' or 'superseded')
    end
    if evicts then
      redis.call('XADD', inbox, 'MAXLEN', '~', inboxKept, '*', 'kind', 'evict', 'key', key,
        'conn', row.connection, 'epoch', epoch, 'edge', edge)
      redis.call('PEXPIRE', inbox, inboxLife)
      redis.pcall('SPUBLISH', wakePrefix .. row.incarnation, '') -- only hastens: without a right to channels nothing stays half done
    end
    if bad then redis.call('DEL', rowKey) end
    redis.call('HSET', rowKey, 'v', FORMAT, 'epoch', epoch, 'inc', incarnation, 'conn', connection,
      'stamp', string.format('%.0f', math.min(stamp, now)), 'edge', edge,
      'id', identity, 'ver', version, 'ip', remote)
    redis.call('ZADD', KEYS[2], 0, key)
    event(key, identity, epoch, 'connected', edge, '')
    answer = evicts and string.format('granted %s %s', epoch, row.edge) or number
  end
  reply[#reply + 1] = answer
end
return reply
