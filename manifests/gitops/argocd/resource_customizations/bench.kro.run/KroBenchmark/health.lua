-- The status follows kstatus. A run that ended has a verdict, which is a result and not a fault: it makes
-- the resource Degraded only if the resource has the annotation bench.kro.run/gate: "true".
local health = {status = "Progressing", message = "waiting for the operator of krobench"}
local status = obj.status
if status == nil or status.phase == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end

health.message = status.message or status.phase
if status.phase == "Suspended" then
  health.status = "Suspended"
elseif status.phase == "Failed" then
  health.status = "Degraded"
elseif status.phase == "Completed" then
  local annotations = obj.metadata.annotations or {}
  local gated = annotations["bench.kro.run/gate"] == "true"
  health.status = "Healthy"
  if gated and status.verdict ~= "Passed" then
    health.status = "Degraded"
  end
  health.message = status.verdict .. ": " .. health.message
end
return health
