from . import access_log, sign_in

access_log.install()
