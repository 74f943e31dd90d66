-- Notes what somebody does in a conversation, tells it to whoever listens, and says who else is there.
--
-- KEYS: who is in the conversation (a sorted set of `user doing` by when it is over), the passing news of the organization.
-- ARGV: the user, what they do (empty: nothing any more), for how many milliseconds that holds, the roles that may see
-- it, the news, how long news are kept in milliseconds.
-- Returns who is there and until when, the caller too.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREM', KEYS[1], ARGV[1] .. ' viewing', ARGV[1] .. ' typing')
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1] .. ' ' .. ARGV[2])
  local longest = tonumber(redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
  redis.call('PEXPIRE', KEYS[1], longest - now)
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 200, '*', 'r', ARGV[4], 'd', ARGV[5], 'u', ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return redis.call('ZRANGE', KEYS[1], 0, 99)
