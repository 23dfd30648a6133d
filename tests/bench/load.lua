-- wrk's script: every request is a new bet of the next player, and answers are counted by status.
-- Arguments: file of tokens (one a line), path, body, mean pause of a connection in ms (0 for none).
local threads = {}

function setup(thread)
  thread:set("id", #threads)
  table.insert(threads, thread)
end

function init(args)
  tokens, placed, refused, why = {}, 0, 0, ""
  for line in io.lines(args[1]) do table.insert(tokens, line) end
  path, body, pause = args[2], args[3], tonumber(args[4])
  -- Threads start at different players, so that no two bet for one player.
  next_player = math.floor(id * #tokens / 2)
  run = args[5]
  count = 0
end

function delay()
  return pause > 0 and math.random(0, 2 * pause) or 0
end

function request()
  count = count + 1
  next_player = next_player % #tokens + 1
  return wrk.format("POST", path, {
    ["Authorization"] = "Bearer " .. tokens[next_player],
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = run .. "-" .. id .. "-" .. count,
    ["Host"] = wrk.headers["Host"],
  }, body)
end

function response(status, headers, body)
  if status == 200 then
    placed = placed + 1
  else
    refused = refused + 1
    why = status .. " " .. (body:match('"code": *"([A-Z_]+)"') or "")
  end
end

function done(summary, latency)
  local good, bad, why = 0, 0, ""
  for _, thread in ipairs(threads) do
    good, bad = good + thread:get("placed"), bad + thread:get("refused")
    if thread:get("why") ~= "" then why = thread:get("why") end
  end
  io.write(string.format(
    'RESULT {"seconds": %.6f, "placed": %d, "refused": %d, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d, ' ..
    '"last_refusal": "%s"}\n',
    summary.duration / 1e6, good, bad, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, why))
end
