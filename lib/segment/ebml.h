/* Elements of EBML (RFC 8794), which Matroska files are made of, in memory. */
#ifndef SEGMENT_EBML_H
#define SEGMENT_EBML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EBML_UNKNOWN_SIZE UINT64_MAX

struct ebml_element {
    uint32_t id;
    uint64_t offset, data, size; /* of the element, of its data; size of its data */
    int size_offset, size_bytes; /* where its size is written, behind offset */
};

/*
 * A number of 1 to 8 bytes whose first byte tells the length; with keep_marker as it stands there,
 * which is how IDs are written. False when it is none.
 */
bool ebml_parse_number(const uint8_t *data, size_t left, bool keep_marker, uint64_t *value,
                       int *length);

/* An element's header, which begins at offset of the file; 12 bytes are enough. */
bool ebml_parse(struct ebml_element *element, const uint8_t *data, size_t left, uint64_t offset);

/* The number that an element of unsigned type holds. */
uint64_t ebml_unsigned(const uint8_t *data, uint64_t size);

#endif
