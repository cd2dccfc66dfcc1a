-- Look at one stream, and at where each of its consumer groups stands, in one step. Reads only.
-- Uses: common, trimming, looking
-- KEYS  1 stream 2 its counts (where it has some), then of each known group what is set aside
-- ARGV  1 most entries to count one by one, then each known group
-- Returns {length, id of the oldest entry, of the newest ('' none), counts as names and values, {},
-- and for each group: {name, number never handed out, id of the oldest pending entry ('' none),
-- consumers and the number that each has pending, number set aside that is due}}.

local seen = extent(KEYS[1])
if seen.err then
  return seen
end
local flat = KEYS[2] and redis.call('HGETALL', KEYS[2]) or {}
local counts, left = pairs_of(flat), tonumber(ARGV[1])
local added = tonumber(counts['added'] or 0)
local found, due, now = {}, {}, now_ms()
for i = 2, #ARGV do
  due[ARGV[i]] = redis.call('ZCOUNT', KEYS[i + 1], '-inf', now)
end

-- Two counters, kept by different hands: ours of what was added and settled, and from 7.0 on the
-- server's. Each is wrong after steps that the other survives (entries that another program wrote
-- or deleted, a group that was made in the middle), so only where they agree they are believed.
local function lag_of(group, settled, pending)
  local ours, told = added - settled - pending, tonumber(group['lag'] or nil)
  local agreed = told == ours and told or nil
  return behind(KEYS[1], seen, group['last-delivered-id'], agreed, told or ours, left)
end

-- An error, and then nothing to go through: no such stream.
for _, told in ipairs(redis.pcall('XINFO', 'GROUPS', KEYS[1])) do
  local group, lag = pairs_of(told), nil
  local name = group['name']
  local held = redis.call('XPENDING', KEYS[1], name)
  lag, left = lag_of(group, tonumber(counts['settled:' .. name] or 0), held[1])
  local shares = {}
  for _, share in ipairs(held[4] or {}) do
    shares[#shares + 1] = share[1]
    shares[#shares + 1] = share[2]
  end
  found[#found + 1] = {name, lag, held[2] or '', shares, due[name] or 0}
end
return {
  seen.length, seen.oldest and seen.oldest[1] or '', seen.newest and seen.newest[1] or '', flat,
  {}, found
}
