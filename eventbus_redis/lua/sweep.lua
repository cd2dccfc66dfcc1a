-- Forget consumers of one group that are not alive; what they hold becomes claimable. Finds what
-- a dead incarnation was given after it was declared dead, by a read that was still blocked.
-- Uses: common
-- KEYS  1 leases 2 options 3 claimable 4 control 5 stream 6 strays
-- ARGV  1 group 2 channel ('' for an inbox), then names that are no incarnations
-- Returns how many consumers it removed or listed.

local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[5], ARGV[1])
if consumers.err then
  return 0
end
local standing = {}
for i = 3, #ARGV do
  standing[ARGV[i]] = true
end
local ttl, changed = ttl_in_use(KEYS[2]), 0
for _, flat in ipairs(consumers) do
  local consumer = pairs_of(flat)
  local name = consumer['name']
  if not standing[name] and not redis.call('ZSCORE', KEYS[1], name) then
    if consumer['pending'] == 0 then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[5], ARGV[1], name)
      redis.call('HDEL', KEYS[6], name)
      changed = changed + 1
    elseif redis.call('HSETNX', KEYS[6], name, 'orphaned') == 1 then
      expire(KEYS[6], ttl)
      if ARGV[2] ~= '' then
        ring(KEYS[3], KEYS[4], ARGV[2], now_ms(), ttl)
      end
      changed = changed + 1
    elseif ARGV[2] ~= '' then
      -- Listed before, but the channel may have been found empty meanwhile.
      ring(KEYS[3], nil, ARGV[2], now_ms(), ttl)
    end
  end
end
return changed
