"""The small source from which dashboards and alert rules are generated.

``scripts/generate_grafana.py`` writes them; the result is committed and is what is deployed.
"""
