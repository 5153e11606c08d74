/* A stand-in for LabJack's native library LJM, for tests without a T7.
 *
 * What it does stands in the text file that the environment names as LJM_STUB, read anew at every
 * call so that a test can change its mind:
 *
 *   reg ADDRESS VALUE   a register and what it holds until it is written
 *   power N             another N than before: the device was power-cycled, writes are forgotten
 *   fail FUNCTION CODE  this function returns that error, after doing its work if it is a warning
 *   scan VALUE...       one scan of the stream; they are repeated in turn
 *
 * Signatures are those of LabJackM.h 1.23.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 512, NOT_OPEN = 1224, NO_SUCH_ADDRESS = 1250, NOT_STREAMING = 1303 };

struct reg { int address; double value; };

static struct reg given[MOST], written[MOST];
static int givens, writtens, power, opened;
static double scans[MOST][4];
static int scan_count, next_scan;
static int scans_per_read, channels;
static double rate_hz;

/* Read the file and return the error that it wants from this function. */
static int load(const char *function)
{
    const char *path = getenv("LJM_STUB");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[256], name[64];
    int address, code, error = 0;
    double value;

    givens = scan_count = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "reg %d %lf", &address, &value) == 2 && givens < MOST) {
            given[givens++] = (struct reg){address, value};
        } else if (sscanf(line, "power %d", &code) == 1) {
            if (code != power)
                writtens = 0;
            power = code;
        } else if (sscanf(line, "fail %63s %d", name, &code) == 2) {
            if (strcmp(name, function) == 0)
                error = code;
        } else if (strncmp(line, "scan", 4) == 0 && scan_count < MOST) {
            double *scan = scans[scan_count++];
            sscanf(line, "scan %lf %lf %lf %lf", scan, scan + 1, scan + 2, scan + 3);
        }
    }
    if (file)
        fclose(file);
    return error;
}

static int is_warning(int code) { return code >= 200 && code < 400; }

static double *find(struct reg *regs, int count, int address)
{
    for (int i = 0; i < count; i++)
        if (regs[i].address == address)
            return &regs[i].value;
    return NULL;
}

int LJM_OpenS(const char *device, const char *connection, const char *identifier, int *handle)
{
    int error = load("OpenS");

    (void)device, (void)connection, (void)identifier;
    *handle = opened = !error;
    return error;
}

int LJM_Close(int handle)
{
    (void)handle;
    opened = 0;
    return load("Close");
}

int LJM_eReadAddresses(int handle, int count, const int *addresses, const int *types,
                       double *values, int *error_address)
{
    int error = load("eReadAddresses");

    (void)handle, (void)types;
    if (!opened)
        return NOT_OPEN;
    if (error && !is_warning(error))
        return error;
    for (int i = 0; i < count; i++) {
        double *value = find(written, writtens, addresses[i]);
        if (!value)
            value = find(given, givens, addresses[i]);
        if (!value) {
            *error_address = addresses[i];
            return NO_SUCH_ADDRESS;
        }
        values[i] = *value;
    }
    return error;
}

int LJM_eWriteAddress(int handle, int address, int type, double value)
{
    int error = load("eWriteAddress");
    double *place;

    (void)handle, (void)type;
    if (!opened)
        return NOT_OPEN;
    if (error)
        return error;
    place = find(written, writtens, address);
    if (!place && writtens < MOST) {
        written[writtens].address = address;
        place = &written[writtens++].value;
    }
    if (place)
        *place = value;
    return 0;
}

int LJM_eStreamStart(int handle, int per_read, int count, const int *addresses, double *rate)
{
    int error = load("eStreamStart");

    (void)handle, (void)addresses;
    if (error && !is_warning(error))
        return error;
    scans_per_read = per_read;
    channels = count;
    next_scan = 0;
    rate_hz = *rate;
    return error;
}

int LJM_eStreamRead(int handle, double *data, int *device_backlog, int *ljm_backlog)
{
    int error = load("eStreamRead");

    (void)handle;
    if (!scans_per_read)
        return NOT_STREAMING;
    if (error)
        return error;
    usleep((useconds_t)(1e6 * scans_per_read / rate_hz));
    for (int i = 0; i < scans_per_read; i++, next_scan++)
        for (int c = 0; c < channels; c++)
            *data++ = scan_count ? scans[next_scan % scan_count][c] : 0.0;
    *device_backlog = *ljm_backlog = 0;
    return 0;
}

int LJM_eStreamStop(int handle)
{
    (void)handle;
    scans_per_read = 0;
    return load("eStreamStop");
}

void LJM_ErrorToString(int code, char *text)
{
    sprintf(text, "STUB_ERROR_%d", code);
}
