/* The brokers inside librdkafka listen on a free loopback port and tell clients that address. Loaded before
 * the C library, this makes them listen on all addresses at STANDIN_PORT and tell STANDIN_ADDRESS instead. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    const struct sockaddr_in *wanted = (const void *)address;
    const char *port = getenv("STANDIN_PORT");

    if (port && address->sa_family == AF_INET && wanted->sin_addr.s_addr == htonl(INADDR_LOOPBACK)) {
        struct sockaddr_in all = *wanted;
        int yes = 1;
        all.sin_addr.s_addr = htonl(INADDR_ANY);
        all.sin_port = htons(atoi(port));
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
        return next(fd, (struct sockaddr *)&all, sizeof(all));
    }
    return next(fd, address, length);
}

int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    int (*next)(int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "getsockname");
    int result = next(fd, address, length);
    struct sockaddr_in *found = (void *)address;
    const char *port = getenv("STANDIN_PORT"), *told = getenv("STANDIN_ADDRESS");

    if (!result && port && told && found->sin_family == AF_INET && found->sin_port == htons(atoi(port)))
        inet_pton(AF_INET, told, &found->sin_addr);
    return result;
}
