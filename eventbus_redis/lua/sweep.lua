-- Forget consumers of one group that are not alive; what they hold becomes claimable. Finds what
-- a dead incarnation was given after it was declared dead, by a read that was still blocked.
-- Uses: common
-- KEYS  1 leases 2 options 3 claimable 4 control 5 stream 6 strays 7 due
-- ARGV  1 group 2 channel ('' for an inbox) 3 pseudo-consumer of the released 4 of the delayed
-- Returns how many consumers it removed or listed.

local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[5], ARGV[1])
if consumers.err then
  return 0
end
local ttl, changed, now = ttl_in_use(KEYS[2]), 0, now_ms()

-- What is set aside or handed back must be in the lists that claims start from.
local function relist(name, held)
  if held == 0 or ARGV[2] == '' then
    return
  end
  local due = now
  if name == ARGV[4] then
    if held > redis.call('ZCARD', KEYS[7]) then
      for _, entry in ipairs(redis.call('XPENDING', KEYS[5], ARGV[1], '-', '+', 1000, name)) do
        redis.call('ZADD', KEYS[7], 'NX', now, entry[1])
      end
      expire(KEYS[7], ttl)
    end
    due = tonumber(redis.call('ZRANGE', KEYS[7], 0, 0, 'WITHSCORES')[2])
  end
  ring(KEYS[3], nil, ARGV[2], due, ttl)
end

for _, flat in ipairs(consumers) do
  local consumer = pairs_of(flat)
  local name = consumer['name']
  if name == ARGV[3] or name == ARGV[4] then
    relist(name, consumer['pending'])
  elseif not redis.call('ZSCORE', KEYS[1], name) then
    if consumer['pending'] == 0 then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[5], ARGV[1], name)
      redis.call('HDEL', KEYS[6], name)
      changed = changed + 1
    elseif redis.call('HSETNX', KEYS[6], name, 'orphaned') == 1 then
      expire(KEYS[6], ttl)
      if ARGV[2] ~= '' then
        ring(KEYS[3], KEYS[4], ARGV[2], now, ttl)
      end
      changed = changed + 1
    elseif ARGV[2] ~= '' then
      -- Listed before, but the channel may have been found empty meanwhile.
      ring(KEYS[3], nil, ARGV[2], now, ttl)
    end
  end
end
return changed
