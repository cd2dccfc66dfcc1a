-- Remove what has outlived its time: dead letters, old batches, groups and ids nobody uses.
-- Uses: common, trimming
-- KEYS  1 options 2 dead 3 sent 4 groups 5 abandoned 6 remembered
-- Returns the fixed ids whose time is over; each is then given up by forget.lua.

local set = redis.call('HMGET', KEYS[1], 'dead_letter_retention', 'backlog_ttl_ms', 'ttl')
if not set[1] then
  return {}
end
local now, backlog_ttl, ttl = now_ms(), tonumber(set[2]), tonumber(set[3])
cut_before(KEYS[2], age_limit(tonumber(set[1])))

-- A batch is in doubt for seconds; an hour is beyond all doubt.
local sent = redis.call('HGETALL', KEYS[3])
for i = 1, #sent, 2 do
  local at = string.match(sent[i + 1], '^%d+:(%d+):')
  if not at or tonumber(at) < now - 3600000 then
    redis.call('HDEL', KEYS[3], sent[i])
  end
end
if backlog_ttl >= 0 then
  -- Live members renew the score of their groups long before that.
  local idle = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now - backlog_ttl, 'LIMIT', 0, 100)
  for _, channel in ipairs(idle) do
    redis.call('HSET', KEYS[5], 'group ' .. channel, string.match(channel, '^[^ ]+ ([^ ]+)$'))
    expire(KEYS[5], ttl)
  end
end
return redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', now, 'LIMIT', 0, 100)
