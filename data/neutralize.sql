-- A copy of the database must never send as the company, nor hold what would let it.
UPDATE mail_oauth2_token
   SET state = 'none',
       revision = md5(random()::text),
       grant_encrypted = NULL,
       access_tokens_encrypted = NULL,
       key_fingerprint = NULL;
UPDATE mail_oauth2_app
   SET client_secret_encrypted = NULL;
DELETE FROM mail_oauth2_authorization;
DELETE FROM mail_oauth2_pause;
DELETE FROM mail_oauth2_take_over;
UPDATE ir_mail_server
   SET active = false
 WHERE smtp_authentication IN ('oauth2_microsoft_smtp', 'oauth2_microsoft_graph', 'oauth2_google_smtp');
