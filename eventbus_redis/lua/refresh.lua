-- Give keys their life again.
-- Uses: common
-- KEYS  any keys of one bus
-- ARGV  1 life in ms, negative for ever
-- Returns 1.

for _, key in ipairs(KEYS) do
  expire(key, tonumber(ARGV[1]))
end
return 1
