-- Writes facts into the streams of those organizations that somebody listens to, each fact once.
--
-- KEYS: the feed's epoch; then for each fact the state of its organization's stream, the stream, and the ids seen.
-- ARGV: how long streams are kept and how long the epoch holds without us, in milliseconds; how many facts a stream
-- keeps; then for each fact its id, the roles that may see it, and the fact.
-- Returns how many were written, or -1 when the epoch has gone: then nothing was.
--
-- An entry's id is `<began>-<count>`, so whoever reads can prove by counting that nothing is missing.
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  return -1
end
local keep, most = tonumber(ARGV[1]), tonumber(ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local written = 0
for i = 2, #KEYS, 3 do
  local state, stream, seen, fact = KEYS[i], KEYS[i + 1], KEYS[i + 2], i + 2
  local stands = redis.call('HMGET', state, 'epoch', 'began')
  if stands[1] == epoch and redis.call('ZADD', seen, 'NX', now, ARGV[fact]) == 1 then
    local count = redis.call('HINCRBY', state, 'count', 1)
    local id = stands[2] .. '-' .. string.format('%.0f', count)
    redis.call('XADD', stream, 'MAXLEN', '~', most, id, 'r', ARGV[fact + 1], 'd', ARGV[fact + 2])
    local surplus = redis.call('ZCARD', seen) - 4 * most
    if surplus > 0 then
      redis.call('ZREMRANGEBYRANK', seen, 0, surplus - 1)
    end
    redis.call('PEXPIRE', stream, keep)
    redis.call('PEXPIRE', seen, keep)
    written = written + 1
  end
end
return written
