-- Looks up who owns a charge point and, unless it is the asker, brings a message there: one way there and back for both.
-- KEYS the rows it may have (its identity as written, and folded); of several, the one granted last counts. A 1.6 row under the folded key is
--      another station's: 1.6 identities have case
-- ARGV 1 row format   2 incarnation that asks   3 entries kept   4 inbox life, ms
--      5 fence prefix, 6 inbox prefix, 7 wake prefix: the owner's name completes them. Known only once the row is read, as in claim-n.lua:
--        same hash tag, same slot, and fence and inbox are touched before the first write
--      8 not after, µs (deliver.lua)
--      9 the message without its head, which is the row's: key, connection and epoch, a line each; then the identity key of each row
-- Returns {now in µs, outcome, bad rows met, which row, its fields …}
--      outcome 0 no row · 1 delivered · 2 the row is the asker's: nothing delivered · -1 the inbox is full · -2 the owner is fenced · -3 too late
local FORMAT, asker, kept, life = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local fencePrefix, inboxPrefix, wakePrefix, notAfter, content = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local VERSIONS = {['1.6'] = true, ['2.0.1'] = true, ['2.1'] = true}
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local bad, row, epoch, which = 0, nil, 0, 0
for n = 1, #KEYS do
  local f = redis.pcall('HMGET', KEYS[n], 'v', 'epoch', 'inc', 'conn', 'stamp', 'edge', 'id', 'ver', 'ip')
  if f.err then
    bad = bad + 1
  elseif f[1] or f[2] or f[3] then
    local number = tonumber(f[2] or '')
    if f[1] ~= FORMAT or not number or not f[3] or not f[4] or not tonumber(f[5] or '') or not f[6] or not f[7]
      or not VERSIONS[f[8]] or number % 1 ~= 0 or number < 1 or number >= 9007199254740000 then
      bad = bad + 1
    elseif number > epoch and (n == 1 or f[8] ~= '1.6') then
      row, epoch, which = f, number, n
    end
  end
end
if not row then return {now, 0, bad} end

-- Told, if somebody listens there: nothing is stored and nothing replicated. Whoever needs to be sure asks again by the inbox.
local function bring(owner)
  if redis.call('EXISTS', fencePrefix .. owner) == 1 then return -2 end
  if isLate(now, notAfter) then return -3 end
  local message = ARGV[9 + which] .. '\n' .. row[4] .. '\n' .. row[2] .. '\n' .. content
  if tell(wakePrefix .. owner, string.format('%.0f', now) .. '\n' .. message) then return 1 end
  return store(inboxPrefix .. owner, wakePrefix .. owner, kept, life, message)
end
return {now, row[3] == asker and 2 or bring(row[3]), bad, which, unpack(row)}
