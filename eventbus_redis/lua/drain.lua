-- Turn what an inbox or a group without owner still holds into dead letters, some in each call,
-- and remove it when it is empty. Stops when its owner came back.
-- Uses: common, letters, trimming
-- KEYS  1 abandoned 2 options 3 totals 4 journal 5 dead 6 stream 7 counts 8 strays 9 due 10 notes
--       11 claimable 12 groups
-- ARGV  1 field in `abandoned` 2 inbox or group 3 consumer group 4 instance id or event
--       5 channel 6 reason 7 most messages in this call
-- Returns 1 when there is more to do, else 0.

if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  return 0
end
local group, most, ttl = ARGV[3], tonumber(ARGV[7]), ttl_in_use(KEYS[2])
local inbox = ARGV[2] == 'inbox'
local buried = {}

local function bury(entry, attempts)
  local fields = pairs_of(entry[2])
  if fields['g'] and fields['g'] ~= group then
    return
  end
  letter(
    KEYS[5], KEYS[2], KEYS[3], fields['d'] or '', inbox and (fields['e'] or '') or ARGV[4],
    inbox and ARGV[4] or '', inbox and '' or group, ARGV[6], '', '', attempts
  )
  buried[#buried + 1] = entry[1]
end

local function report()
  if #buried > 0 then
    journal(
      KEYS[4], ttl, 'dead letter', 'count', #buried, 'reason', ARGV[6], ARGV[2],
      inbox and ARGV[4] or ARGV[5], 'positions', some(buried, 20)
    )
  end
end

local held = redis.pcall('XPENDING', KEYS[6], group, '-', '+', most)
if not held.err then
  for _, entry in ipairs(held) do
    local stored = redis.call('XRANGE', KEYS[6], entry[1], entry[1])[1]
    if stored then
      bury(stored, entry[4] - 1)
    end
    add_settled(KEYS[7], group, redis.call('XACK', KEYS[6], group, entry[1]), ttl)
  end
  if #held > 0 then
    report()
    return 1
  end
  local last = '0-0'
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[6])) do
    local known = pairs_of(flat)
    if known['name'] == group then
      last = known['last-delivered-id']
    end
  end
  local entries = redis.call('XRANGE', KEYS[6], id_after(last), '+', 'COUNT', most)
  for _, entry in ipairs(entries) do
    bury(entry, 0)
  end
  if #entries > 0 then
    redis.call('XGROUP', 'SETID', KEYS[6], group, entries[#entries][1])
    add_settled(KEYS[7], group, #entries, ttl)
    report()
    return 1
  end
end

if inbox then
  redis.call('DEL', KEYS[6], KEYS[7])
else
  redis.pcall('XGROUP', 'DESTROY', KEYS[6], group)
  redis.call('HDEL', KEYS[7], 'settled:' .. group, 'safe:' .. group, 'made:' .. group)
  redis.call('ZREM', KEYS[11], ARGV[5])
  redis.call('ZREM', KEYS[12], ARGV[5])
  journal(KEYS[4], ttl, 'group dropped', 'event', ARGV[4], 'group', group, 'reason', ARGV[6])
end
redis.call('DEL', KEYS[8], KEYS[9], KEYS[10])
redis.call('HDEL', KEYS[1], ARGV[1])
return 0
