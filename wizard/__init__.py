from . import mail_oauth2_device_sign_in
from . import mail_oauth2_disconnect
from . import mail_oauth2_take_over
from . import mail_oauth2_test_mail
