#include "segment/ebml.h"

bool ebml_parse_number(const uint8_t *data, size_t left, bool keep_marker, uint64_t *value,
                       int *length)
{
    if (left == 0 || data[0] == 0)
        return false;
    *length = __builtin_clz((unsigned)data[0]) - 23;
    if ((size_t)*length > left)
        return false;
    uint64_t number = keep_marker ? data[0] : data[0] & (0xffu >> *length);
    bool all_ones = (data[0] | (0xff & ~(0xffu >> *length))) == 0xff;
    for (int i = 1; i < *length; i++) {
        number = number << 8 | data[i];
        all_ones &= data[i] == 0xff;
    }
    *value = !keep_marker && all_ones ? EBML_UNKNOWN_SIZE : number;
    return true;
}

bool ebml_parse(struct ebml_element *element, const uint8_t *data, size_t left, uint64_t offset)
{
    uint64_t id, size;
    int id_bytes, size_bytes;
    if (!ebml_parse_number(data, left, true, &id, &id_bytes) || id_bytes > 4 ||
        !ebml_parse_number(data + id_bytes, left - (size_t)id_bytes, false, &size, &size_bytes))
        return false;
    *element = (struct ebml_element){
        .id = (uint32_t)id,
        .offset = offset,
        .data = offset + (uint64_t)(id_bytes + size_bytes),
        .size = size,
        .size_offset = id_bytes,
        .size_bytes = size_bytes,
    };
    return true;
}

uint64_t ebml_unsigned(const uint8_t *data, uint64_t size)
{
    uint64_t value = 0;
    for (uint64_t i = 0; i < size && i < 8; i++)
        value = value << 8 | data[i];
    return value;
}
