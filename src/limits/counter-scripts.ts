/**
 * The counter's Lua scripts. A window is a sorted set of attempts, scored by the time at which they expire. All times
 * are by Redis' clock, so brokers' clocks need not agree. A score further ahead than the window is long was written
 * before that clock was set back; it does not count.
 */

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function count(key, life)
  return redis.call('ZCOUNT', key, '(' .. now, now + life)
end
local function add(key, id, life)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, now + life, id)
  redis.call('PEXPIRE', key, life)
end
`

/**
 * KEYS: for each rate its attempts and its "rejected" mark; for each budget its guesses in flight, its failures and its
 * "rejected" mark; the attempt that the request was counted for, if there is a request; last, the ended processes.
 * ARGV: attempt, number of rates, life of a guess in flight, life of a request (0: there is none); points and window of
 * each rate; of each budget its points, the life of a failure, and the points, the count and the milliseconds since that
 * count of somebody else who counts too.
 * Guesses in flight of ended processes are dropped only when a budget seems full; their requests are taken again.
 * Returns nothing if the attempt was counted; otherwise the position of the limit that is full (0: the request was
 * counted before), milliseconds until a point is free, whether this is the window's first rejection, the failures, and
 * whether only guesses in flight make it full (1), or only what failed after somebody else was asked for a count (2).
 */
export const TAKE = `${NOW}
local id, rates, held = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local requestLife = tonumber(ARGV[4])
local request = requestLife > 0 and KEYS[#KEYS - 1]
local counted = request and #KEYS - 2 or #KEYS - 1
local function wait(key)
  local soonest = redis.call('ZRANGEBYSCORE', key, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return soonest[2] and soonest[2] - now
end
local function reached(position, wait, mark, life, failures, state)
  local first = redis.call('SET', mark, '', 'PX', life, 'NX')
  return { position, wait, first and 1 or 0, failures, state }
end
local function remaining(key)
  return redis.call('ZRANGEBYSCORE', key, '(' .. now, '+inf')
end
local function endedProcesses()
  local ended = {}
  for _, process in ipairs(remaining(KEYS[#KEYS])) do
    ended[process] = true
  end
  return ended
end
local function processOf(attempt)
  return string.match(attempt, '^[^.]*')
end
local function dropEnded(flight)
  local ended = endedProcesses()
  if next(ended) == nil then
    return
  end
  for _, guess in ipairs(remaining(flight)) do
    if ended[processOf(guess)] then
      redis.call('ZREM', flight, guess)
    end
  end
end

local before = request and redis.call('GET', request)
if before and not endedProcesses()[processOf(before)] then
  return { 0, 0, 0, 0, 0 }
end
local key, arg = 1, 5
for position = 1, rates do
  local window = tonumber(ARGV[arg + 1])
  if count(KEYS[key], window) >= tonumber(ARGV[arg]) then
    return reached(position, wait(KEYS[key]), KEYS[key + 1], window, 0, 0)
  end
  key, arg = key + 2, arg + 2
end
for position = rates + 1, rates + (#ARGV - arg + 1) / 5 do
  local flight, failed, points, within = KEYS[key], KEYS[key + 1], tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
  local othersPoints, others, ago = tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3]), tonumber(ARGV[arg + 4])
  local failures = count(failed, within)
  local counted = others + redis.call('ZCOUNT', failed, now + within - ago, now + within)
  local function isFull()
    local guesses = count(flight, held)
    return guesses + failures >= points or guesses + counted >= othersPoints
  end
  if isFull() then
    dropEnded(flight)
  end
  if isFull() then
    local soon = wait(flight) or within
    local state = 0
    if failures < points and counted < othersPoints then
      state = 1
    elseif count(flight, held) + failures < points and count(flight, held) + others < othersPoints then
      state = 2
    end
    soon = math.min(soon, wait(failed) or soon)
    return reached(position, soon, KEYS[key + 2], within, math.max(failures, counted), state)
  end
  key, arg = key + 3, arg + 5
end

for rate = 1, rates do
  add(KEYS[rate * 2 - 1], id, tonumber(ARGV[4 + rate * 2]))
end
for flight = rates * 2 + 1, counted, 3 do
  add(KEYS[flight], id, held)
end
if request then
  redis.call('SET', request, id, 'PX', requestLife)
end
return false
`

/**
 * KEYS: windows that the attempt leaves; then, for each budget to reset, its failures and its "rejected" mark; last, the
 * request that may be taken again, if there is one.
 * ARGV: attempt, number of windows that it leaves, milliseconds since the reset was due, number of requests, whether
 * failures of `all` accounts are reset or those of one `account`, that account, and the life of a failure of each budget.
 */
export const REFUND = `${NOW}
local windows, ago, requests = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for key = 1, windows do
  redis.call('ZREM', KEYS[key], ARGV[1])
end
for failed = windows + 1, #KEYS - requests, 2 do
  local within = tonumber(ARGV[7 + (failed - windows - 1) / 2])
  if ARGV[5] == 'all' then
    redis.call('ZREMRANGEBYSCORE', KEYS[failed], '-inf', now - ago + within)
  else
    for _, failure in ipairs(redis.call('ZRANGEBYSCORE', KEYS[failed], '-inf', now - ago + within)) do
      if string.match(failure, ' (.*)$') == ARGV[6] then
        redis.call('ZREM', KEYS[failed], failure)
      end
    end
  end
  redis.call('DEL', KEYS[failed + 1])
end
if requests == 1 and redis.call('GET', KEYS[#KEYS]) == ARGV[1] then
  redis.call('DEL', KEYS[#KEYS])
end
`

/** KEYS: the ended processes. ARGV: life of a guess in flight, then names of processes. */
export const END_PROCESSES = `${NOW}
for process = 2, #ARGV do
  add(KEYS[1], ARGV[process], tonumber(ARGV[1]))
end
`

/** KEYS: for each budget its guesses in flight and its failures. ARGV: attempt, its name as a failure, life of a failure of each. Returns the failures of each. */
export const FAIL = `${NOW}
local id, failure = ARGV[1], ARGV[2]
local failures = {}
for key = 1, #KEYS, 2 do
  local within = tonumber(ARGV[3 + (key - 1) / 2])
  redis.call('ZREM', KEYS[key], id)
  add(KEYS[key + 1], failure, within)
  failures[#failures + 1] = count(KEYS[key + 1], within)
end
return failures
`

/** KEYS: the tally. ARGV: its life. Returns how often it was counted. */
export const ADD_TALLY = `
local count = redis.call('INCRBY', KEYS[1], 1)
if count == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return count
`

/** KEYS: the tally. Returns how often it was counted. */
export const END_TALLY = `
local count = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
return tonumber(count or 0)
`
