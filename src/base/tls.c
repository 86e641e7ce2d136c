/*
 * tls.c
 *	  Turns on TLS when the extension is created.
 *
 * Nodes connect to each other with sslmode=require unless told otherwise, so a server that was left
 * without TLS would refuse its siblings.  When neither the administrator's setting of
 * citus.node_conninfo nor an ssl setting says otherwise, ssl is turned on by ALTER SYSTEM, with a
 * self-signed certificate if there is none, and the server reloads.
 *
 * Never overwritten: an existing key or certificate, any setting that somebody chose.  A file is
 * complete before it gets its name.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "postmaster/postmaster.h"
#include "storage/fd.h"
#include "utils/guc.h"

#ifdef USE_OPENSSL
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#endif

#include "base/base_internal.h"
#include "citus/base/settings.h"

#ifdef USE_OPENSSL

#define KEY_BITS 2048
#define CERTIFICATE_DAYS 3650
#define CERTIFICATE_NAME "citus-auto-ssl"

/* suites of TLS 1.2 with forward secrecy and authenticated encryption */
#define CIPHER_LIST "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"

static EVP_PKEY *
make_key(void)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
	EVP_PKEY   *key = NULL;

	if (context == NULL ||
		EVP_PKEY_keygen_init(context) <= 0 ||
		EVP_PKEY_CTX_set_rsa_keygen_bits(context, KEY_BITS) <= 0 ||
		EVP_PKEY_keygen(context, &key) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	return key;
}

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509	   *certificate = X509_new();
	X509_NAME  *name;

	if (certificate == NULL)
		return NULL;
	name = X509_get_subject_name(certificate);
	if (!X509_set_version(certificate, 2) ||
		!ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) ||
		!X509_gmtime_adj(X509_getm_notBefore(certificate), 0) ||
		!X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * CERTIFICATE_DAYS) ||
		!X509_set_pubkey(certificate, key) ||
		!X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
									(const unsigned char *) CERTIFICATE_NAME, -1, -1, 0) ||
		!X509_set_issuer_name(certificate, name) ||
		!X509_sign(certificate, key, EVP_sha256()))
	{
		X509_free(certificate);
		return NULL;
	}
	return certificate;
}

/* Exactly one of key and certificate is given; the file is readable by the server alone. */
static void
write_pem(const char *path, EVP_PKEY *key, X509 *certificate)
{
	char	   *temporary = psprintf("%s.citus-new", path);
	int			fd;
	FILE	   *file = NULL;
	bool		ok;

	(void) unlink(temporary);
	fd = open(temporary, O_CREAT | O_EXCL | O_WRONLY | PG_BINARY, S_IRUSR | S_IWUSR);
	if (fd >= 0)
	{
		file = fdopen(fd, "w");
		if (file == NULL)
			close(fd);
	}
	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create file \"%s\": %m", temporary)));

	if (key != NULL)
		ok = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
	else
		ok = PEM_write_X509(file, certificate) == 1;
	ok = fflush(file) == 0 && ok;
	ok = fclose(file) == 0 && ok;
	if (!ok)
	{
		(void) unlink(temporary);
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not write file \"%s\"", temporary)));
	}
	(void) durable_rename(temporary, path, ERROR);
}

static void
write_self_signed(const char *keyPath, const char *certificatePath)
{
	EVP_PKEY   *key = make_key();
	X509	   *certificate = key == NULL ? NULL : make_certificate(key);

	if (certificate == NULL)
	{
		EVP_PKEY_free(key);
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a TLS certificate")));
	}
	PG_TRY();
	{
		write_pem(keyPath, key, NULL);
		write_pem(certificatePath, NULL, certificate);
	}
	PG_FINALLY();
	{
		X509_free(certificate);
		EVP_PKEY_free(key);
	}
	PG_END_TRY();
}

/* Paths in settings are relative to the data directory, which is the working directory. */
static bool
setting_file_exists(const char *setting)
{
	const char *path = GetConfigOption(setting, false, false);

	return access(path, F_OK) == 0;
}

static void
alter_system_set(const char *name, const char *value)
{
	AlterSystemStmt *statement = makeNode(AlterSystemStmt);
	A_Const    *constant = makeNode(A_Const);

	constant->val.sval.type = T_String;
	constant->val.sval.sval = pstrdup(value);
	constant->location = -1;
	statement->setstmt = makeNode(VariableSetStmt);
	statement->setstmt->kind = VAR_SET_VALUE;
	statement->setstmt->name = pstrdup(name);
	statement->setstmt->args = list_make1(constant);
	AlterSystemSetConfigFile(statement);
}

static bool
tls_is_wanted(void)
{
	if (EnableSSL || !base_setting_is_default("ssl") ||
		!base_setting_is_default("citus.node_conninfo"))
		return false;
	/* half a pair is somebody's work in progress */
	return setting_file_exists("ssl_key_file") == setting_file_exists("ssl_cert_file");
}

static void
enable_tls(void)
{
	if (!setting_file_exists("ssl_key_file"))
		write_self_signed(GetConfigOption("ssl_key_file", false, false),
						  GetConfigOption("ssl_cert_file", false, false));
	if (base_setting_is_default("ssl_ciphers"))
		alter_system_set("ssl_ciphers", CIPHER_LIST);
	alter_system_set("ssl", "on");

	if (kill(PostmasterPid, SIGHUP) != 0)
		ereport(WARNING,
				(errcode(ERRCODE_SYSTEM_ERROR),
				 errmsg("could not send signal to postmaster: %m")));
	ereport(LOG,
			(errmsg("turned on ssl for connections between nodes"),
			 errdetail("The certificate is self-signed if there was none before.")));
}

#endif							/* USE_OPENSSL */

/* Does nothing where TLS is on, not compiled in, or somebody decided about it. */
void
base_tls_enable(void)
{
#ifdef USE_OPENSSL
	if (tls_is_wanted())
		enable_tls();
#endif
}
