# The clips: target clip_NAME makes clips/NAME.mkv in the build tree, target clips makes all.
#
# Every frame shows its number, so that no two access units of a clip are alike: in the picture of
# testsrc2, and as a bar code in the top 16 rows: 20 cells of 16x16 pixels, cell i (from the left)
# is bright when bit i of the frame's number, counted from 0, is set. The sound is a rising tone,
# which does not repeat either. With sound, a clip lasts a whole number of audio frames, so that it
# loops without a gap.

find_program(FFMPEG_PROGRAM ffmpeg REQUIRED)
set(CAMERA_CLIPS_DIR ${CMAKE_BINARY_DIR}/clips CACHE INTERNAL "Where the clips are")
file(MAKE_DIRECTORY ${CAMERA_CLIPS_DIR})
add_custom_target(clips ALL)

set(bar_code "nullsrc=s=20x1:r=25,format=gray,geq=lum='if(bitand(N,pow(2,X)),235,16)'")
string(APPEND bar_code ",scale=320:16:flags=neighbor")

# camera_clip(NAME SIZE SECONDS SAMPLE_RATE ENCODER_OPTION...); sample rate 0: no sound
function(camera_clip name size seconds sample_rate)
  set(sound)
  set(map_sound)
  if(sample_rate)
    set(sound -f lavfi -i "aevalsrc=0.4*sin(2*PI*(200*t+20*t*t)):s=${sample_rate}")
    set(map_sound -map 2:a)
  endif()
  set(file ${CAMERA_CLIPS_DIR}/${name}.mkv)
  add_custom_command(
    OUTPUT ${file}
    COMMAND ${FFMPEG_PROGRAM} -y -nostdin -hide_banner -loglevel error
      -f lavfi -i testsrc2=s=${size}:r=25 -f lavfi -i "${bar_code}"
      ${sound}
      -filter_complex "[0:v][1:v]overlay,format=yuv420p[v]" -map "[v]" ${map_sound}
      ${ARGN} -t ${seconds} -f matroska ${file}
    COMMENT "Making the clip ${name}"
    VERBATIM)
  add_custom_target(clip_${name} DEPENDS ${file})
  add_dependencies(clips clip_${name})
endfunction()

# No scene cuts: a key frame comes exactly every `gop` frames.
function(set_encoders gop b_frames)
  set(common "keyint=${gop}:min-keyint=${gop}:scenecut=0:bframes=${b_frames}:open-gop=0")
  set(hevc -c:v libx265 -preset ultrafast -crf 30
    -x265-params ${common}:info=0:log-level=error PARENT_SCOPE)
  # x264's note about itself in the first frame goes out: some payloaders leave such SEI away.
  set(avc -c:v libx264 -preset ultrafast -crf 28 -x264-params ${common}
    -bsf:v filter_units=remove_types=6 PARENT_SCOPE)
endfunction()

# 32,000 Hz: four seconds are 125 AAC frames. 20 ms of G.711 or Opus fit one RTP packet.
set(aac -c:a aac -b:a 48k)
set(g711 -filter:a asetnsamples=n=160 -c:a)

set_encoders(25 0)
camera_clip(h265      640x360  12 32000 ${hevc} ${aac})
camera_clip(h265v     640x360  10 0     ${hevc})
camera_clip(h264      640x360  12 32000 ${avc} ${aac})
camera_clip(h264v     640x360  10 0     ${avc})
camera_clip(h265small 320x240  10 0     ${hevc})
camera_clip(h264small 320x240  10 0     ${avc})
camera_clip(h265pcmu  640x360  10 8000  ${hevc} ${g711} pcm_mulaw)
camera_clip(h264pcma  640x360  10 8000  ${avc} ${g711} pcm_alaw)
camera_clip(h264opus  640x360  10 48000 ${avc} -c:a libopus -b:a 32k)
camera_clip(demo      1280x720 20 32000 ${hevc} ${aac})

# So small that a test can go through every byte, and seeds of fuzzers are short.
set_encoders(10 0)
camera_clip(h264tiny 64x64 2 8000 ${avc} -c:a aac -b:a 8k)
set_encoders(10 2)
camera_clip(h265tiny 64x64 2 0 ${hevc})

set_encoders(25 2)
camera_clip(h265b 640x360 10 0 ${hevc})
camera_clip(h264b 640x360 10 0 ${avc})

set_encoders(100 0)
camera_clip(h265gop4 640x360 12 0 ${hevc})
camera_clip(h265gop4aac 640x360 12 32000 ${hevc} ${aac})
camera_clip(h264gop4 640x360 12 32000 ${avc} ${aac})

# RFC 2435 knows the standard Huffman tables only, two quantisation tables, and sizes that are
# multiples of 8.
camera_clip(mjpeg 640x360 10 0 -c:v mjpeg -q:v 8 -pix_fmt yuvj420p -huffman default
  -force_duplicated_matrix 1)
