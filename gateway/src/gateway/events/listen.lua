-- Says where the streams of some organizations stand, and begins those that nobody has kept.
--
-- KEYS: the feed's epoch; then for each organization the state of its stream and the stream.
-- ARGV: how long a stream is kept after its last listener, in milliseconds.
-- Returns for each organization when its stream began (milliseconds, a name rather than a time) and how many facts have
-- gone into it since; nothing at all while nobody feeds.
--
-- A stream that began under another epoch has a gap: facts may have been lost before they came to it. It begins anew.
local epoch = redis.call('GET', KEYS[1])
local answer = {}
if not epoch then
  return answer
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #KEYS, 2 do
  local state = redis.call('HMGET', KEYS[i], 'epoch', 'began', 'count')
  local began, count = tonumber(state[2] or 0), tonumber(state[3] or 0)
  if state[1] ~= epoch then
    began, count = math.max(now, began + 1), 0
    redis.call('DEL', KEYS[i + 1])
    redis.call('HSET', KEYS[i], 'epoch', epoch, 'began', string.format('%.0f', began), 'count', 0)
  end
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
  redis.call('PEXPIRE', KEYS[i + 1], ARGV[1])
  answer[#answer + 1] = began
  answer[#answer + 1] = count
end
return answer
