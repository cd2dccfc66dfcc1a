-- Shared: opening the work channels of one incarnation.

-- Create the group of a channel at the oldest message stored, or at the end. An existing group
-- keeps its place.
local function open_group(stream, counts, group, only_new, ttl)
  local made = redis.pcall(
    'XGROUP', 'CREATE', stream, group, only_new and '$' or '0-0', 'MKSTREAM'
  )
  if made.err then
    if not string.find(tostring(made.err), 'BUSYGROUP', 1, true) then
      return made
    end
  else
    local added = tonumber(redis.call('HGET', counts, 'added') or 0)
    local known = pairs_of(redis.call('XINFO', 'STREAM', stream))
    local settled = only_new and added or added - known['length']
    local start = only_new and known['last-generated-id'] or '0-0'
    redis.call('HSET', counts, 'settled:' .. group, settled)
    redis.call('HSET', counts, 'made:' .. group, settled .. ' ' .. start)
  end
  expire(stream, ttl)
  expire(counts, ttl)
  return nil
end

-- Open all channels from KEYS[first_key] (stream and counts of each) and ARGV[first_arg]
-- ("event group" of each), and note them as this incarnation's.
local function open_channels(first_key, first_arg, only_new, ttl, mine, events, groups, abandoned)
  local now = now_ms()
  for i = first_arg, #ARGV do
    local channel = ARGV[i]
    local event, group = string.match(channel, '^([^ ]+) ([^ ]+)$')
    local at = first_key + 2 * (i - first_arg)
    local fault = open_group(KEYS[at], KEYS[at + 1], group, only_new, ttl)
    if fault then
      return fault
    end
    redis.call('SADD', mine, channel)
    redis.call('SADD', events, event)
    redis.call('ZADD', groups, now, channel)
    redis.call('HDEL', abandoned, 'group ' .. channel, 'dropped ' .. channel)
  end
  if #ARGV >= first_arg then
    expire(mine, ttl)
    expire(events, ttl)
    expire(groups, ttl)
  end
  return nil
end
