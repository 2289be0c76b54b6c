# pint 0.80 or later: `pint --config config/pint.hcl --offline lint alerts/`, or without --offline against your Prometheus.

# Put its address here. With it pint asks whether every series exists, which of them a healthy fleet does not print at all.
# prometheus "mine" {
#   uri = "http://localhost:9090"
# }

checks {
  disabled = [
    # The rules with long windows are a group of their own, looked at once a minute: what they use of the first group is
    # fifteen seconds older.
    "rule/dependency",
  ]
}

rule {
  match { kind = "alerting" }

  label "severity" {
    severity = "bug"
    # Without one of its own an alert has that of the objective.
    value    = "critical|warning|info|.*\\{\\{.*"
    required = false
  }

  annotation "summary" {
    severity = "bug"
    value    = "[A-Z][^{}]*\\."
    required = true
  }

  annotation "description" {
    severity = "bug"
    required = true
  }

  annotation "runbook_url" {
    severity = "bug"
    value    = "https://.+/Lagkeeper[A-Za-z]+\\.md"
    required = true
  }

  annotation "dashboard_url" {
    severity = "bug"
    value    = "https://.+/d/lagkeeper-.+"
    required = true
  }

  name "Lagkeeper[A-Za-z]+" {
    severity = "bug"
  }
}

rule {
  match { kind = "recording" }

  name "[a-z]+:[a-z_]+:[a-z0-9_]+" {
    severity = "bug"
  }
}
