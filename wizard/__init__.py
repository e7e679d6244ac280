from . import mail_oauth2_disconnect
from . import mail_oauth2_test_mail
