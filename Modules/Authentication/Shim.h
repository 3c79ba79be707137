// What the PAM module uses of libpam besides the common part.
#include "../Shared/Shim.h"
#include <security/pam_modules.h>
#include <security/pam_ext.h>

// An item as text; empty when it is not set.
static inline const char *sallyport_item(pam_handle_t *handle, int item)
{
    const void *value = NULL;
    if (pam_get_item(handle, item, &value) != PAM_SUCCESS || value == NULL)
        return "";
    return value;
}

// An environment variable of the transaction; empty when it is not set.
static inline const char *sallyport_variable(pam_handle_t *handle, const char *name)
{
    const char *value = pam_getenv(handle, name);
    return value ? value : "";
}

// The password that the person has typed, asked for when no module before has; NULL when there is none. libpam keeps and wipes it.
static inline const char *sallyport_password(pam_handle_t *handle)
{
    const char *password = NULL;
    if (pam_get_authtok(handle, PAM_AUTHTOK, &password, NULL) != PAM_SUCCESS)
        return NULL;
    return password;
}

// Shows a text to the person. The service owns the conversation and may refuse; then nothing is shown.
static inline void sallyport_tell(pam_handle_t *handle, const char *text)
{
    const void *item = NULL;
    if (pam_get_item(handle, PAM_CONV, &item) != PAM_SUCCESS || item == NULL)
        return;
    const struct pam_conv *conversation = item;
    const struct pam_message message = { .msg_style = PAM_ERROR_MSG, .msg = text };
    const struct pam_message *messages = &message;
    struct pam_response *response = NULL;
    if (conversation->conv == NULL)
        return;
    if (conversation->conv(1, &messages, &response, conversation->appdata_ptr) == PAM_SUCCESS && response) {
        free(response->resp);
        free(response);
    }
}
