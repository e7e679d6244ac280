"""Developer tooling: ``python3 -m scripts <command>``, called by the Makefile.

Only the standard library is imported here; everything else lives in the environments that
``python_environment`` builds.
"""
