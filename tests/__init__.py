from . import test_callback
from . import test_company
from . import test_main_path
from . import test_queue
from . import test_secret_cipher
from . import test_security
from . import test_sign_in
from . import test_take_over
