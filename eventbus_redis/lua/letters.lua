-- Shared: storing one dead letter.

local function letter(dead, options, totals, data, event, instance, group, reason, error, trace,
                      attempts)
  local set = redis.call('HMGET', options, 'max_dead_letters', 'dead_ttl', 'ttl')
  local most, life = tonumber(set[1] or 10000), tonumber(set[2] or 604800000)
  local evicted = redis.call('XLEN', dead) + 1 - most
  redis.call(
    'XADD', dead, 'MAXLEN', most, '*', 'data', data, 'event', event, 'instance', instance,
    'group', group, 'reason', reason, 'error', error, 'traceback', trace, 'attempts', attempts
  )
  expire(dead, life)
  count(totals, 'dead letters', 1, tonumber(set[3] or 3600000))
  if evicted > 0 then
    count(totals, 'lost: dead letters beyond max_dead_letters', evicted, tonumber(set[3] or 3600000))
  end
end
