#!/usr/bin/env python
"""Run one of the hub's commands; `python manage.py help` lists them."""

import os
import sys

from django.core.management import execute_from_command_line

from registryhub.processes.arguments import name_configuration

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registryhub.settings")
    name_configuration(sys.argv, os.environ)
    execute_from_command_line(sys.argv)
