-- Give keys their last life, after the last instance has closed.
-- Uses: common
-- KEYS  1 leases, then any keys of the same bus
-- ARGV  1 life in ms, negative for ever
-- Returns 1, or 0 when somebody is here again.

if redis.call('ZCARD', KEYS[1]) > 0 then
  return 0
end
for i = 2, #KEYS do
  expire(KEYS[i], tonumber(ARGV[1]))
end
return 1
