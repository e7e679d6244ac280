from . import mail_oauth2_error
from . import mail_oauth2_app
from . import mail_oauth2_token
from . import mail_oauth2_authorization
from . import mail_oauth2_mailbox
from . import ir_mail_server
from . import mail_mail
from . import res_company
