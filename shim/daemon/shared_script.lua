-- One change of a scope, or a look at it: checks, merges, gives it a revision and publishes it.
-- KEYS: the scope. ARGV: op, deadline and time to live (ms; 0: none), channel, then fields and values.
local key, op, deadline, ttl, channel = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
-- Whoever asked got an error when this was late: then it must not happen.
if deadline > 0 and micros / 1000 > deadline then return {'late'} end
local kind = redis.call('TYPE', key).ok
if kind ~= 'hash' and kind ~= 'none' then return {'foreign'} end
local count = redis.call('HLEN', key)
if count > 24 then return {'foreign'} end
for _, name in ipairs(count > 0 and redis.call('HKEYS', key) or {}) do
	if redis.call('HSTRLEN', key, name) > 8192 then return {'foreign'} end
end
if count > 0 and redis.call('HGET', key, 'v') ~= '1' then return {'foreign'} end
local exists, changed = count > 0, false
if op ~= 'get' and op ~= 'put' and not exists then return {'absent'} end
local revision = math.max(tonumber(redis.call('HGET', key, 'revision') or 0) + 1, micros)
if op == 'close' then
	redis.call('DEL', key)
	exists, changed = false, true
elseif op == 'unset' then
	for i = 5, #ARGV do changed = redis.call('HDEL', key, ARGV[i]) == 1 or changed end
elseif op ~= 'get' then
	if not exists then redis.call('HSET', key, 'v', '1') end
	exists, changed = true, not exists
	local set = {}
	for i = 5, #ARGV, 2 do set[ARGV[i]] = ARGV[i + 1] end
	if set.traceparent and not set.tracestate then
		changed = redis.call('HDEL', key, 'tracestate') == 1 or changed
	end
	for name, value in pairs(set) do
		if redis.call('HGET', key, name) ~= value then
			redis.call('HSET', key, name, value)
			changed = true
		end
	end
end
if exists and ttl > 0 then
	redis.call('PEXPIRE', key, ttl)
	changed = true
end
if changed and exists then redis.call('HSET', key, 'revision', string.format('%.0f', revision)) end
if not changed then revision = tonumber(redis.call('HGET', key, 'revision') or 0) end
-- -1: it does not end; -2: there is none, or it has just ended. Its last millisecond is not "never".
local left = redis.call('PTTL', key)
exists = left ~= -2
local row = {'ok', exists and '1' or '0', string.format('%.0f', revision), left < 0 and '0' or tostring(math.max(left, 1))}
for _, part in ipairs(exists and redis.call('HGETALL', key) or {}) do row[#row + 1] = part end
if changed then redis.call('PUBLISH', channel, cjson.encode(row)) end
return row
