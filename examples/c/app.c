#include "app.h"

#include "host.h"

void app_configure(tl_config *config, const struct app_options *options)
{
    host_configure(config);
    if (options->reuse_grace_ms >= 0)
        config->reuse_grace_ms = (uint32_t)options->reuse_grace_ms;
    if (options->refuses_when_signed_out)
        config->when_signed_out = TL_WAITING_REFUSE;
    if (options->credentials->kind == CREDENTIALS_CLIENT)
        config->renewal = TL_RENEWAL_LOGIN;
}
