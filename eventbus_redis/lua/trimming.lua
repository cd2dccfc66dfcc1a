-- Shared: cutting a stream from its old end, on servers with and without XTRIM MINID.

local function id_after(id)
  local ms, sequence = split_id(id)
  if sequence >= 9007199254740992 then
    return string.format('%.0f-0', ms + 1) -- the last one of its millisecond, from id_before
  end
  return string.format('%.0f-%.0f', ms, sequence + 1)
end

local function id_before(id)
  local ms, sequence = split_id(id)
  if sequence > 0 then
    return string.format('%.0f-%.0f', ms, sequence - 1)
  end
  return string.format('%.0f-18446744073709551615', math.max(0, ms - 1))
end

-- The first possible id that is younger than so many seconds.
local function age_limit(seconds)
  return string.format('%.0f-0', math.max(0, now_ms() - math.floor(seconds * 1000)))
end

-- Remove what is before `bound`. Returns whether more is left to remove.
local function cut_before(stream, bound)
  local cut = redis.pcall('XTRIM', stream, 'MINID', bound)
  if type(cut) == 'number' then
    return false
  end
  -- A server before 6.2.
  local entries = redis.call('XRANGE', stream, '-', id_before(bound), 'COUNT', 500)
  for _, entry in ipairs(entries) do
    redis.call('XDEL', stream, entry[1])
  end
  return #entries == 500
end
