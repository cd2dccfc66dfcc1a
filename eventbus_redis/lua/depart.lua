-- End one incarnation, for ever: its lease, and with it its hold on every message, in one step.
-- Uses: common, options
-- KEYS  1 leases 2 options 3 totals 4 renewals 5 incarnations 6 holders 7 instances 8 targets
--       9 remembered 10 cursors 11 attempts 12 channels of the incarnation 13 claimable 14 control
--       15 abandoned 16 journal 17 inbox 18 inbox counts 19 inbox strays 20 vitals,
--       then for each of its work channels: stream, strays
-- ARGV  1 incarnation 2 leave or death 3 expected renewals ('' any) 4 its cursor ('' unknown),
--       then each work channel
-- Returns {0} nothing to end, {1, number of live incarnations} done, {2} its channels are others:
-- read them again.

local incarnation = ARGV[1]
local now = now_ms()
local ends = redis.call('ZSCORE', KEYS[1], incarnation)
if ARGV[2] == 'leave' then
  if not ends then
    return fenced(KEYS[3], KEYS[2])
  end
elseif not ends or tonumber(ends) >= now then
  return {0}
elseif ARGV[3] ~= '' and redis.call('HGET', KEYS[4], incarnation) ~= ARGV[3] then
  return {0}
end
if redis.call('SCARD', KEYS[12]) ~= #ARGV - 4 then
  return {2}
end

local ttl = ttl_in_use(KEYS[2])
local backlog_ttl = tonumber(redis.call('HGET', KEYS[2], 'backlog_ttl_ms') or 604800000)
local line = redis.call('HGET', KEYS[5], incarnation)
redis.call('ZREM', KEYS[1], incarnation)
redis.call('HDEL', KEYS[4], incarnation)
redis.call('HDEL', KEYS[5], incarnation)
redis.call('HDEL', KEYS[20], incarnation)
redis.call('DEL', KEYS[12])

-- What it held stays under its name, listed for others to claim one by one: whoever ends it may
-- die in the next moment, and nothing is forgotten.
local mark = ARGV[2] == 'leave' and 'released' or 'orphaned'
local function give_up(stream, strays, group)
  local held = redis.pcall('XPENDING', stream, group, '-', '+', 1, incarnation)
  if held.err then
    return false
  end
  if not held[1] then
    redis.call('XGROUP', 'DELCONSUMER', stream, group, incarnation)
    return false
  end
  redis.call('HSET', strays, incarnation, mark)
  expire(strays, ttl)
  return true
end
for i = 5, #ARGV do
  local at = 21 + 2 * (i - 5)
  local _, group = string.match(ARGV[i], '^([^ ]+) ([^ ]+)$')
  if give_up(KEYS[at], KEYS[at + 1], group) then
    ring(KEYS[13], KEYS[14], ARGV[i], now, ttl)
  end
end

if line then
  local field = words(line)
  local fixed, consumes, id = field[2] == '1', field[3] == '1', field[11]
  local group = redis.call('HGET', KEYS[8], id)
  if fixed and consumes then
    redis.call('ZADD', KEYS[9], backlog_ttl < 0 and '+inf' or now + backlog_ttl, id)
    expire(KEYS[9], ttl)
    if ARGV[4] ~= '' then
      redis.call('HSET', KEYS[10], id, ARGV[4])
      expire(KEYS[10], ttl)
    end
    if group then
      give_up(KEYS[17], KEYS[19], group)
    end
  else
    redis.call('HDEL', KEYS[6], id)
    redis.call('HDEL', KEYS[7], id)
    redis.call('HDEL', KEYS[8], id)
    redis.call('HDEL', KEYS[10], id)
    redis.call('DEL', KEYS[11])
    if group then
      -- Emptied into the dead letters afterwards, by whoever ends it or by any maintenance.
      redis.call('HSET', KEYS[15], 'inbox ' .. id, group)
      expire(KEYS[15], ttl)
    end
  end
  if ARGV[2] ~= 'leave' then
    count(KEYS[3], 'declared dead', 1, ttl)
    journal(KEYS[16], ttl, 'declared dead', 'instance', id, 'incarnation', incarnation)
  end
end
merge_options(KEYS[5], KEYS[2])
return {1, redis.call('ZCARD', KEYS[1])}
