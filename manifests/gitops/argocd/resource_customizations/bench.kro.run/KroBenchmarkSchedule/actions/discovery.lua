local suspended = obj.spec.suspend == true
return {
  ["run-now"] = {displayName = "Run now", iconClass = "fa fa-fw fa-play-circle", disabled = false},
  ["suspend"] = {iconClass = "fa fa-fw fa-pause", disabled = suspended},
  ["resume"] = {iconClass = "fa fa-fw fa-play", disabled = not suspended},
}
