-- One step of the generic cell rate algorithm over several limits at once, with the caller's revocation beside it.
--
-- KEYS: the limits' keys; then, for a signed-in caller, the key of the user's epoch and of the session's revocation.
-- ARGV: how many limits there are; then for each, in microseconds, what this request takes and what may be taken ahead.
-- Returns {refusing limit or 0, microseconds to wait, epoch or false, revocation or false, then per limit how far its
-- theoretical arrival time lies ahead of now}. When one limit refuses, none is consumed.
local limits = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stored = redis.call('MGET', unpack(KEYS))
local refusing, wait = 0, 0
local ahead = {}
for i = 1, limits do
  local takes, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local lead = (tonumber(stored[i] or now) or now) - now
  if lead < 0 then lead = 0 end
  if lead > window then lead = window end
  local excess = lead + takes - window
  if excess > wait then
    refusing, wait = i, excess
  end
  ahead[i] = lead
end
local answer = {refusing, wait, stored[limits + 1] or false, stored[limits + 2] or false}
for i = 1, limits do
  if refusing == 0 then
    ahead[i] = ahead[i] + tonumber(ARGV[2 * i])
    redis.call('SET', KEYS[i], string.format('%.0f', now + ahead[i]), 'PX', math.ceil(ahead[i] / 1000) + 1)
  end
  answer[i + 4] = ahead[i]
end
return answer
