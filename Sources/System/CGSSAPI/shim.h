/* GSS-API and Kerberos 5 of MIT, with the few things that have no shape in Swift: object identifiers and status macros. */
#ifndef SALLYPORT_CGSSAPI_H
#define SALLYPORT_CGSSAPI_H
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <profile.h>

/* RFC 4178: the mechanism that negotiates mechanisms. */
static inline gss_OID cgssapi_spnego(void) {
    static gss_OID_desc identifier = {6, (void *)"\x2b\x06\x01\x05\x05\x02"};
    return &identifier;
}

static inline gss_OID cgssapi_kerberos(void) { return gss_mech_krb5; }

/* Names as Kerberos writes them, service/host@REALM. */
static inline gss_OID cgssapi_principal_name(void) { return GSS_KRB5_NT_PRINCIPAL_NAME; }

static inline int cgssapi_failed(OM_uint32 status) { return GSS_ERROR(status) != 0; }

static inline int cgssapi_continues(OM_uint32 status) { return (status & GSS_S_CONTINUE_NEEDED) != 0; }

/* "Not in this profile"; the constant is a negative long that differs between platforms' imports. */
static inline long cgssapi_no_relation(void) { return PROF_NO_RELATION; }
#endif
